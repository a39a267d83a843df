"""The words of each language that say nothing for a search: its function words."""

STOP_WORDS = {
    "english": (
        "a about after all also am an and any are as at be because been before being but by can could "
        "did do does for from get had has have he her here him his how i if in into is it its just ll "
        "me more most my no not of on one only or other our out over re s she should so some such t "
        "than that the their them then there these they this those to too under up us ve was we were "
        "what when where which while who why will with would you your"
    ),
    "french": (
        "a ai ainsi alors au aucun aussi autre aux avec avoir avons c ce cela ces cet cette ceux chez "
        "comme d dans de des deux donc du elle elles en encore entre est et etait ete etre eu fait il "
        "ils j je l la le les leur leurs lui m ma mais me meme mes moi mon n ne ni nos notre nous on "
        "ont ou par pas peut plus pour qu quand que qui s sa sans se ses si son sont sous sur t ta te "
        "tes toi ton tous tout tres tu un une vos votre vous y"
    ),
    "german": (
        "aber alle als also am an auch auf aus bei bin bis bist da damit dann das dass dein dem den "
        "denn der des dich die dies diese dieser dieses dir doch du durch ein eine einem einen einer "
        "eines er es etwas euch fur gegen hab habe haben hat hatte hier ich ihm ihn ihnen ihr ihre im "
        "in ist ja jede jetzt kann kein keine konnen man mehr mein meine mich mir mit nach nicht "
        "nichts noch nur ob oder ohne sehr sein seine sich sie sind so soll sondern uber um und uns "
        "unser unter vom von vor war waren was weil wenn wer werde werden wie wieder will wir wird "
        "wurde zu zum zur"
    ),
    "spanish": (
        "a al algo ante antes aqui asi como con cual cuando de del desde donde dos el ella ellos en "
        "entre era es esa ese eso esta estaba estan estar este esto estos fue ha hace han hasta hay "
        "he la las le les lo los mas me mi mis muy nada ni no nos nosotros o os otra otro para pero "
        "por porque pues que quien se ser si sin sobre solo son su sus tambien tan te tiene todo "
        "todos tu tus un una uno y ya yo"
    ),
    "portuguese": (
        "a ao aos as ate com como da das de dela dele depois do dos e ela ele eles em entre era essa "
        "esse esta estao este eu foi for ha isso isto ja lhe mais mas me mesmo meu minha muito na nao "
        "nas nem no nos nossa nosso num numa o os ou para pela pelo por porque pra qual quando que "
        "quem se sem ser seu seus so sobre sua suas tambem te tem tenho ter tu um uma voce"
    ),
    "italian": (
        "a ad agli ai al alla alle anche avere c che chi ci come con cosa cosi cui da dai dal dalla "
        "degli dei del della delle di dove e ed era essere fa fra gli ha hai hanno ho i il in io l la "
        "le lei lo loro lui ma me mi mia mio molto ne nei nel nella noi non nostro o ogni per perche "
        "piu po poi quale quando quanto quello questa questo qui se sei senza si sia solo sono su sua "
        "sul sulla suo te ti tra tu tutti tutto un una uno vi voi"
    ),
    "dutch": (
        "aan al alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus "
        "een en er ge geen haar had heb hebben heeft hem het hier hij hoe hun iemand iets ik in is ja "
        "je kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om omdat "
        "onder ons ook op over reeds te tegen toch toen tot u uit uw van veel voor want waren was wat "
        "we werd wezen wie wij wil worden zal ze zelf zich zij zijn zo zonder zou"
    ),
    "swedish": (
        "alla allt ar att av bli blir da dar de dem den denna deras det detta dig din du efter ej "
        "eller en er ett for fran ha hade han hans har hon hur i icke ingen inte jag kan kunde man "
        "med men mig min mot mycket nagon nar nu och om oss over pa sa sig sin ska skulle som till "
        "under upp ut vad var vara vart vi vid vilken vill"
    ),
    "danish": (
        "af alle alt at bare blev blive da de dem den denne der deres det dette dig din dog du efter "
        "eller en er et for fra ham han hans har havde hun hvad hvis hvor i ikke ind jeg jer kan kom "
        "kunne lige man mange med meget men mig min mit mod nar noget nogle nu og ogsa om op os over "
        "pa sa selv sig sin skal skulle som ud under var vi vil ville vor været"
    ),
    "norwegian": (
        "alle at av bare ble blei bli da de deg dei dem den denne der dere det dette din du eg ein "
        "eller en enn er et etter for fordi fra fram ha hadde han hans har hun hva hvem hver hvis "
        "hvor i ikke inn jeg kan kom kunne ma man mange med meg mellom men mer min mot mye nar noe "
        "noen nå og ogsa om opp oss over pa sa seg selv sin skal skulle som til ut var ved vi vil "
        "ville være"
    ),
    "finnish": (
        "ehka ei eli ellei en et etta han hanen he heidan hyvin ja jo joka jos jossa jotka kaikki "
        "kanssa kuin kuka kun me mika mina minulla minun mita mutta myos nain ne niin niita nyt ole "
        "olen oli olin on ovat se sen siina sina sinun sita tai tama taman tassa te tulee vaan vai "
        "vain viela voi"
    ),
    "hungarian": (
        "a abban ahhoz aki amely ami amikor az azok azon azt be csak de e ebben egy egyik ehhez el "
        "ellen elott en es ez ezt fel ha hanem hogy igen ill ilyen is itt jo kell ki le legyen lehet "
        "lesz lett maga majd meg mert mi minden mint most nagy ne nekem nem o ok ott pedig s sem "
        "szerint szet te tovabb ugy utan vagy vagyok van vannak volna volt"
    ),
    "romanian": (
        "a aceasta acest aceste al ale am ar are as asa au ca cand care ce cel cu cum da daca dar de "
        "deci despre din doar dupa e ei el ele este eu face fi fost iar ii il in insa intr la le li "
        "lor lui mai mea meu mi ne nici noi nostru nu o ori pe pentru poate prin sa sale sau se si "
        "sunt sus te tu un una unde unei unui va voi"
    ),
    "catalan": (
        "a aixo al als altre amb aquell aquest aquesta aquests ara bé com d de del dels des doncs el "
        "ella els em en encara ens entre era es esta estan et fa fer fins ha han hem ho i ja jo l la "
        "les li m mes meu molt n ni no nosaltres o on pel per pero perque pot quan que qui s se sense "
        "ser si sobre son sota tambe te tot tots un una vosaltres"
    ),
    "turkish": (
        "acaba ama ancak bana bazi ben beni benim bir biz bu bunu cok cunku da daha de defa degil "
        "diye en gibi hem hep hepsi her hic icin ile ise ki kim mi mu nasil ne neden nerede o olan "
        "olarak oldu on ona onu sen siz su tum ve veya ya yani"
    ),
    "russian": (
        "а без бы был была были было быть в вам вас во вот все всех вы где да для до его ее если есть "
        "еще же за и из или им их к как ко когда кто ли мне может мы на надо нас не него нет ни но ну "
        "о об он она они от очень по под при с со так такой там то того тоже только ты у уже что "
        "чтобы эта это этот я"
    ),
    "greek": (
        "αν αντι απο αυτα αυτη αυτο αυτος για δε δεν εαν ειμαι ειναι εκεινος ενα ενας ενω επι η ηταν "
        "θα και κατα κι μας με μετα μη μην μια μου ο οι ομως οπως οταν οτι ουτε παρα που πριν προς "
        "πως σαν σας σε στη στην στο στον στους τα τη την της τι τις το τον του τους των ως"
    ),
}
"""Language -> its stop words, parted by spaces; those with accents stand without them."""
