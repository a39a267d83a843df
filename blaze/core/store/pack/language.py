"""The languages that Snowball stems, by the codes that Content-Language gives them (ISO 639)."""

from blaze.core.mail.message import Part

DEFAULT = "english"
"""The language of a text whose header names none."""

CODES = {
    "arabic": ("ar", "ara"),
    "armenian": ("hy", "hye"),
    "basque": ("eu", "eus"),
    "catalan": ("ca", "cat"),
    "danish": ("da", "dan"),
    "dutch": ("nl", "nld"),
    "english": ("en", "eng"),
    "esperanto": ("eo", "epo"),
    "estonian": ("et", "est"),
    "finnish": ("fi", "fin"),
    "french": ("fr", "fra"),
    "german": ("de", "deu"),
    "greek": ("ell",),
    "hindi": ("hi", "hin"),
    "hungarian": ("hu", "hun"),
    "indonesian": ("id", "ind"),
    "irish": ("ga", "gle"),
    "italian": ("it", "ita"),
    "lithuanian": ("lt", "lit"),
    "nepali": ("ne", "nep"),
    "norwegian": ("no", "nor"),
    "portuguese": ("pt", "por"),
    "romanian": ("ro", "ron"),
    "russian": ("ru", "rus"),
    "serbian": ("sr", "srp"),
    "spanish": ("es", "spa"),
    "swedish": ("sv", "swe"),
    "tamil": ("ta", "tam"),
    "turkish": ("tr", "tur"),
    "yiddish": ("yi", "yid"),
}
"""Language -> the codes that stand for it in a pack. A tag with a region (`en-US`) stands for none: so the
object of a mail has the same name as other programs that write packs give it."""

_LANGUAGES = {code: language for language, codes in CODES.items() for code in codes}


def of_part(part: Part) -> str | None:
    """The language of a text: the first that its Content-Language names and Snowball knows; None is none."""
    field = part.header.get(b"content-language")
    if field is None:
        return DEFAULT
    codes = field.unfolded.decode("utf-8", "replace").split(",")
    return next((found for code in codes if (found := _LANGUAGES.get(code.strip()))), None)
