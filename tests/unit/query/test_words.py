"""Words by Unicode's rules, bigrams, languages and stems."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.query import languages, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Hello, World!", ["hello", "world"]),
        ("foo_bar-baz foo.bar@example.org", ["foo", "bar", "baz", "foo", "bar", "example", "org"]),
        ("don't 3.14 x1", ["don", "t", "3", "14", "x1"]),
        ("Café CAFE\u0301 Ünïcode", ["cafe", "cafe", "unicode"]),
        ("Straße", ["strasse"]),
        ("ﬁn ＦＵＬＬ", ["fin", "full"]),
        ("Ελλάδα", ["ελλαδα"]),
        ("Йод ёлка", ["йод", "ёлка"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("東京都", ["東京", "京都", "都"]),
        ("猫", ["猫"]),
        ("Python入門", ["python", "入門", "門"]),
        ("ひらがな", ["ひら", "らが", "がな", "な"]),
        ("한국어", ["한국", "국어", "어"]),
        ("ภาษา", ["ภา", "าษ", "ษา", "า"]),
        ("ｶﾞﾝ", ["ガン", "ン"]),
        ("a\udc80b", ["a", "b"]),
        ("x" * 64 + " " + "y" * 65, ["x" * 64]),
        ("\u2460 x", ["1", "x"]),
    ],
)
def test_split_by_script(text: str, found: list[str]) -> None:
    import unicodedata

    assert words.split(text) == [unicodedata.normalize("NFC", word) for word in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("東京都", ["東京", "京都"]),
        ("猫", ["猫"]),
        ("東京 tower", ["東京", "京", "tower"]),
        ("a 猫", ["a", "猫"]),
    ],
)
def test_phrase_leaves_its_end_open(text: str, found: list[str]) -> None:
    assert words.phrase(text) == found


@given(st.text(max_size=80))
def test_split_is_stable_under_case_and_normalisation(text: str) -> None:
    found = words.split(text)
    assert all(0 < len(word) <= words.MAX_WORD for word in found)
    joined = [word for word in found if not words.is_unspaced(word)]
    assert words.split(" ".join(joined)) == joined


@given(
    st.text(alphabet="東京都庁タワー", min_size=1, max_size=6), st.text(alphabet="東京都庁タワー", max_size=6)
)
def test_phrase_of_a_part_is_in_the_words_of_the_whole(part: str, rest: str) -> None:
    wanted, found = words.phrase(part), words.split(part + rest)
    if len(part) == 1:
        assert any(word.startswith(wanted[0]) for word in found)
    else:
        assert found[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I would have been there if it was not for the rain", "english"),
        ("Ich habe das nicht gesehen, aber es ist auch nicht wichtig", "german"),
        ("Nous avons reçu votre lettre mais elle est pour une autre personne", "french"),
        ("No me gusta que los perros ladren por la noche cuando duermo", "spanish"),
        ("Não sei se ele vai para a casa do meu irmão", "portuguese"),
        ("Non so se questo è il libro che mi hai dato", "italian"),
        ("Ik weet niet of dit het boek is dat je mij hebt gegeven", "dutch"),
        ("Jag vet inte om det är boken som du har gett mig", "swedish"),
        ("Я не знаю, что это такое и как оно работает", "russian"),
        ("மொழி", "tamil"),
        ("hindi: हिन्दी", "hindi"),
        ("xyzzy plugh", None),
        ("", None),
    ],
)
def test_detect_language(text: str, language: str | None) -> None:
    assert languages.detect(words.split(text)) == language


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (["de"], "german"),
        (["tlh", "en-GB"], "english"),
        (["PT-br"], "portuguese"),
        ([], None),
        (["tlh"], None),
    ],
)
def test_of_codes_takes_the_first_known(tags: list[str], language: str | None) -> None:
    assert languages.of_codes(tags) == language


@pytest.mark.parametrize("language", sorted(set(languages._CODES.values())))
def test_every_language_has_a_stemmer(language: str) -> None:
    assert languages.stem(["a"], language)


def test_stop_words_are_folded_and_of_known_languages() -> None:
    for language in languages.STOP_WORDS:
        assert language in languages._CODES.values()
        found = languages.stop_words(language)
        assert len(found) > 30
        assert all(words.split(word) == [word] for word in found)
