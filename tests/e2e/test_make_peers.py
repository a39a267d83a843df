"""What `make`, `wrap` and `put` write, read by others: the standard library, mblaze and mpack."""

import email
import email.policy
import hashlib
import os
import re
import shutil
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

TEXTS = {
    "arabic": "مرحبا بالعالم، هذه رسالة تجريبية.\nالسطر الثاني.\n",
    "chinese": "你好，世界。这是一封测试邮件。\n第二行。\n",
    "english": "Hello World, this is a test.\nThe second line.\n",
    "french": "Ça alors ! Où êtes-vous, cœur d'été ?\nDeuxième ligne.\n",
    "german": "Größere Übungen für jeden Fuß.\nZweite Zeile.\n",
    "greek": "Γειά σου Κόσμε, αυτό είναι ένα μήνυμα.\nΔεύτερη γραμμή.\n",
    "hebrew": "שלום עולם, זו הודעת ניסיון.\nשורה שנייה.\n",
    "hindi": "नमस्ते दुनिया, यह एक परीक्षण संदेश है।\nदूसरी पंक्ति।\n",
    "japanese": "こんにちは世界。これは試験のメールです。\n二行目。\n",
    "korean": "안녕하세요 세계, 이것은 시험 메시지입니다.\n둘째 줄.\n",
    "russian": "Привет, мир, это пробное письмо.\nВторая строка.\n",
    "turkish": "Merhaba dünya, bu bir deneme iletisidir: ğüşıöç İ.\nİkinci satır.\n",
}

ATTACHMENTS = {
    "empty.bin": b"",
    "empty.txt": b"",
    "one.bin": b"\x00",
    "one.txt": b"x",
    "newline.txt": b"\n",
    "all.bin": bytes(range(256)) * 9,
    "lines.txt": b"first\nsecond\n",
    "unended.txt": b"first\nsecond",
    "dos.txt": b"first\r\nsecond\r\n",
    "mac.txt": b"first\rsecond\r",
    "mixed.txt": b"a\r\nb\nc\r",
    "utf-8.txt": "été\n".encode() * 100,
    "latin-1.txt": "été\n".encode("latin-1") * 100,
    "utf-16.txt": "été\n".encode("utf-16"),
    "boundary.txt": b"--b\n--b--\n--\n.\nFrom here\n>From there\n",
    "long.txt": b"x" * 5000 + b"\n",
    "blank.txt": b"trailing \t\n \n-- \n",
    "data.json": b'{"a": 1}\n',
    "table.csv": b"a;b\n1;2\n",
    "page.html": b"<p>hello</p>\n",
}

pytestmark = pytest.mark.e2e


def blaze(*arguments: str | Path, stdin: bytes = b"", status: int = 0) -> bytes:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "blaze", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects
        for value in part.values():
            assert not value.defects, value
    return message


def text_of(part: EmailMessage) -> str:
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def peer(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def check_form(octets: bytes, newline: bytes = b"\n") -> None:
    """ASCII; lines of at most 78 characters in the header, else of 998 octets; one kind of newline."""
    assert octets.isascii()
    lines = octets.split(newline)
    assert max(map(len, lines)) <= 998
    head = octets.partition(newline * 2)[0]
    assert max(map(len, head.split(newline))) <= 78
    if newline == b"\r\n":
        assert octets.count(b"\n") == octets.count(b"\r\n")
    else:
        assert b"\r" not in octets


@pytest.mark.parametrize("newline", ["lf", "crlf"])
@pytest.mark.parametrize("language", TEXTS)
def test_text_is_read_by_the_standard_library(language: str, newline: str, tmp_path: Path) -> None:
    text = TEXTS[language]
    subject = " ".join(text.split()) * 5
    # Short enough for one encoded-word: between two in a phrase Python 3.11 leaves a space that is not there.
    name = f"{text.split()[0][:8]} ({language})"
    octets = blaze(
        *("make", "--newline", newline, "--from", f'"{name}" <ann@example.org>', "--to", "bob@example.org"),
        *("--subject", subject),
        stdin=text.encode(),
    )
    check_form(octets, b"\r\n" if newline == "crlf" else b"\n")
    message = read(octets)
    assert text_of(message) == text
    assert message["subject"] == subject
    assert message["from"].addresses[0].display_name == name
    assert message["date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    (tmp_path / "a.html").write_text(f"<p>{text}</p>", "utf-8")
    (tmp_path / "a.txt").write_text(text, "utf-8")
    octets = blaze(
        "make", "--newline", newline, "--text", tmp_path / "a.txt", "--html", tmp_path / "a.html",
    )  # fmt: skip
    check_form(octets, b"\r\n" if newline == "crlf" else b"\n")
    message = read(octets)
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert text_of(plain) == text
    assert text_of(html) == f"<p>{text}</p>"


@pytest.mark.parametrize("language", TEXTS)
def test_text_is_read_by_mblaze(language: str, tmp_path: Path) -> None:
    mshow, mhdr = peer("mshow"), peer("mhdr")
    text = TEXTS[language]
    subject = " ".join(text.split()) * 5
    path = tmp_path / "mail.eml"
    blaze(
        *("make", "--from", "ann@example.org", "--to", "bob@example.org", "--subject", subject, "-o", path),
        stdin=text.encode(),
    )
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    shown = subprocess.run([mshow, "-n", "-N", path], capture_output=True, env=environment, check=True)
    body = shown.stdout.decode().split("\n\n", 1)[1]
    assert text in body.replace("\r\n", "\n")
    header = subprocess.run(
        [mhdr, "-d", "-h", "subject", path], capture_output=True, env=environment, check=True
    )
    assert header.stdout.decode().rstrip("\n") == subject


@pytest.mark.parametrize("language", TEXTS)
def test_mmime_and_the_standard_library_say_the_same(language: str) -> None:
    mmime = peer("mmime")
    text = TEXTS[language]
    subject = " ".join(text.split())
    draft = f"From: ann@example.org\nSubject: {subject}\n\n{text}"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    by_mmime = subprocess.run([mmime], input=draft.encode(), capture_output=True, env=environment, check=True)
    by_stdlib = EmailMessage()
    by_stdlib["From"], by_stdlib["Subject"] = "ann@example.org", subject
    by_stdlib.set_content(text)
    ours = blaze("make", "--from", "ann@example.org", "--subject", subject, stdin=text.encode())
    said = [
        (message["from"], message["subject"], text_of(message.get_body()))
        for message in map(read, (ours, by_mmime.stdout, by_stdlib.as_bytes()))
    ]
    assert said[:2] == [("ann@example.org", subject, text)] * 2
    # Python 3.11 itself folds some of these subjects so that a blank is lost.
    assert said[2][::2] == ("ann@example.org", text)


@pytest.mark.parametrize("newline", ["lf", "crlf"])
def test_300_recipients_and_a_long_subject_are_read_by_all(newline: str, tmp_path: Path) -> None:
    names = ["Ann", "Lee, Bob", "Jörg Müller", "田中太郎", None]
    people = [(names[i % 5], f"recipient.{i}@example.org") for i in range(300)]
    typed = [f'"{name}" <{address}>' if name else address for name, address in people]
    path = tmp_path / "mail.eml"
    blaze(
        *(
            "make",
            "--newline",
            newline,
            "--to",
            ",".join(typed),
            "--subject",
            "long " * 400 + "é",
            "-o",
            path,
        ),
        stdin=b"hello\n",
    )
    octets = path.read_bytes()
    check_form(octets, b"\r\n" if newline == "crlf" else b"\n")
    message = read(octets)
    assert [(box.display_name or None, box.addr_spec) for box in message["to"].addresses] == people
    assert message["subject"] == "long " * 400 + "é"
    if shutil.which("maddr"):
        listed = subprocess.run(["maddr", "-a", "-h", "to", path], capture_output=True, check=True)
        assert listed.stdout.decode().split() == [address for _, address in people]


def write_attachments(folder: Path) -> list[Path]:
    paths = []
    for name, octets in ATTACHMENTS.items():
        (folder / name).write_bytes(octets)
        paths.append(folder / name)
    return paths


def test_attachments_come_back_from_the_standard_library(tmp_path: Path) -> None:
    paths = write_attachments(tmp_path)
    for name in (
        "日本語の添付ファイル.bin",
        "件名" * 40 + ".bin",
        "it's 100% (done).bin",
        'quote"d.bin',
        "ünï cödé.txt",
    ):
        (tmp_path / name).write_bytes(b"\x00content of " + name.encode())
        paths.append(tmp_path / name)
    octets = blaze("make", *(f"--attach={path}" for path in paths), stdin=b"hello\n")
    check_form(octets)
    message = read(octets)
    text, *attachments = message.iter_parts()
    assert text_of(text) == "hello\n"
    assert [part.get_filename() for part in attachments] == [path.name for path in paths]
    for part, path in zip(attachments, paths, strict=True):
        assert part.get_payload(decode=True) == path.read_bytes(), path.name
        assert part.get_content_disposition() == "attachment"


def test_parts_put_one_by_one_come_back_from_the_standard_library(tmp_path: Path) -> None:
    paths = write_attachments(tmp_path)
    octets = blaze("make", "wrap", "--boundary", "b", stdin=blaze("make", stdin=b"hello\n"))
    for path in paths:
        octets = blaze("make", "put", path, stdin=octets)
    check_form(octets)
    text, *attachments = read(octets).iter_parts()
    assert text_of(text) == "hello\n"
    for part, path in zip(attachments, paths, strict=True):
        assert part.get_filename() == path.name
        assert part.get_payload(decode=True) == path.read_bytes(), path.name


@pytest.mark.parametrize("command", ["attach", "put"])
def test_attachments_come_back_from_munpack(command: str, tmp_path: Path) -> None:
    munpack = peer("munpack")
    paths = write_attachments(tmp_path)
    if command == "attach":
        octets = blaze("make", *(f"--attach={path}" for path in paths), stdin=b"hello\n")
    else:
        octets = blaze("make", "wrap", stdin=blaze("make", stdin=b"hello\n"))
        for path in paths:
            octets = blaze("make", "put", path, stdin=octets)
    (tmp_path / "mail.eml").write_bytes(octets)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run([munpack, "-q", "-t", "-C", unpacked, "../mail.eml"], check=True, capture_output=True)
    for path in paths:
        expected = path.read_bytes()
        if path.suffix == ".txt":  # munpack leaves every CR out of text
            expected = expected.replace(b"\r", b"")
        assert (unpacked / path.name).read_bytes() == expected, path.name


def test_names_that_munpack_does_not_know_leave_the_octets_whole(tmp_path: Path) -> None:
    munpack = peer("munpack")
    (tmp_path / "日本語.bin").write_bytes(ATTACHMENTS["all.bin"])
    octets = blaze("make", "--attach", tmp_path / "日本語.bin", stdin=b"hello\n")
    (tmp_path / "mail.eml").write_bytes(octets)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run([munpack, "-q", "-C", unpacked, "../mail.eml"], check=True, capture_output=True)
    assert ATTACHMENTS["all.bin"] in [path.read_bytes() for path in unpacked.iterdir()]


def test_structure_is_alternative_in_related_in_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello\n")
    (tmp_path / "a.html").write_text('<img src="cid:dot.png@example.org">\n')
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    octets = blaze(
        *("make", "--from", "ann@example.org", "--text", tmp_path / "a.txt", "--html", tmp_path / "a.html"),
        *("--inline", tmp_path / "dot.png", "--attach", tmp_path / "dot.png"),
    )
    message = read(octets)
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/mixed", "multipart/related", "multipart/alternative", "text/plain", "text/html"),
        *("image/png", "image/png"),
    ]
    related = next(message.iter_parts())
    assert related.get_param("type") == "multipart/alternative"
    inline = list(related.iter_parts())[1]
    assert (inline["content-id"], inline.get_content_disposition()) == ("<dot.png@example.org>", "inline")
    assert message.get_body(("html",)).get_content() == '<img src="cid:dot.png@example.org">\n'
    boundaries = re.findall(rb"boundary=(\S+)", octets)
    assert len(set(boundaries)) == 3


def test_a_message_is_attached_as_a_message(tmp_path: Path) -> None:
    inner = blaze(
        "make", "--from", "ann@example.org", "--subject", "inner", "--newline", "crlf", stdin=b"one\n"
    )
    (tmp_path / "inner.eml").write_bytes(inner)
    outer = blaze("make", "--attach", tmp_path / "inner.eml", stdin=b"hello\n")
    check_form(outer)
    attached = list(read(outer).iter_parts())[1]
    assert (attached.get_content_type(), attached.get_filename()) == ("message/rfc822", "inner.eml")
    assert attached.get_content()["subject"] == "inner"
    assert text_of(attached.get_content()) == "one\n"


def test_messages_made_with_one_clock_can_hold_one_another(tmp_path: Path) -> None:
    messages = []
    for subject in ("a", "b"):
        made = blaze("make", "--subject", subject, "--attach", __file__, stdin=b"hello\n")
        (tmp_path / f"{subject}.eml").write_bytes(made)
        messages.append(tmp_path / f"{subject}.eml")
    both = blaze("make", "put", messages[0], messages[1])
    assert [part.get_content_type() for part in read(both).walk()].count("multipart/mixed") == 2
    assert list(read(both).iter_parts())[-1].get_content()["subject"] == "a"


def test_without_libmagic_names_decide_and_v_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['magic'] = None\n")
    (tmp_path / "a.png").write_bytes(b"no picture")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "blaze",
            "make",
            "-v",
            "--inline",
            tmp_path / "a.png",
            "--attach",
            tmp_path / "a.png",
        ],
        input=b"",
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
    )
    assert done.stderr.count(b"libmagic") == 1
    assert done.stdout.count(b"Content-Type: image/png") == 2


def test_wrap_keeps_the_fields_of_a_message_made_by_others(tmp_path: Path) -> None:
    made = EmailMessage()
    made["From"] = "Jörg <ann@example.org>"
    made["Subject"] = "long " * 30
    made["X-Odd"] = "  kept   as it is"
    made.set_content("Grüße\n" * 50)
    octets = made.as_bytes()
    wrapped = blaze("make", "wrap", "--related", stdin=octets)
    for field in octets.partition(b"\n\n")[0].split(b"\nContent-")[0].split(b"\nMIME")[0].split(b"\n"):
        assert field in wrapped.partition(b"\n\n")[0]
    message = read(wrapped)
    assert message.get_content_type() == "multipart/related"
    (part,) = message.iter_parts()
    assert text_of(part) == "Grüße\n" * 50
    assert part["content-transfer-encoding"] == made["content-transfer-encoding"]


def test_put_adds_to_what_mmime_and_swaks_and_the_standard_library_make(tmp_path: Path) -> None:
    (tmp_path / "new.bin").write_bytes(ATTACHMENTS["all.bin"])
    made = EmailMessage()
    made["Subject"] = "x"
    made.set_content("hello\n")
    made.add_attachment(b"old", maintype="application", subtype="octet-stream", filename="old")
    messages = {"stdlib": made.as_bytes()}
    if shutil.which("mmime"):
        draft = f"Subject: x\n\nhello\n#application/octet-stream {tmp_path / 'new.bin'}\n"
        messages["mmime"] = subprocess.run(
            ["mmime"], input=draft.encode(), capture_output=True, check=True
        ).stdout
    if shutil.which("swaks"):
        (tmp_path / "old.txt").write_text("old\n")
        dumped = subprocess.run(
            ["swaks", "--to", "a@example.org", "--server", "127.0.0.1", "--body", "hello",
             "--attach", f"@{tmp_path / 'old.txt'}", "--dump-mail"],
            capture_output=True,
        )  # fmt: skip
        assert dumped.returncode == 0, dumped.stderr
        messages["swaks"] = dumped.stdout
    for maker, octets in messages.items():
        before = [
            part.get_payload(decode=True)
            for part in email.message_from_bytes(octets, policy=email.policy.default).iter_parts()
        ]
        message = email.message_from_bytes(
            blaze("make", "put", tmp_path / "new.bin", stdin=octets), policy=email.policy.default
        )
        parts = [part.get_payload(decode=True) for part in message.iter_parts()]
        assert len(before) >= 1, maker
        assert [part.replace(b"\r\n", b"\n") for part in parts[:-1]] == [
            part.replace(b"\r\n", b"\n") for part in before
        ], maker
        assert parts[-1] == ATTACHMENTS["all.bin"]


PIPELINE_MEMORY = 100 << 20
"""Octets that each command of the pipeline may hold, whatever the attachment."""

# `ru_maxrss` would count what the child shared with this process before it ran its own program.
MEASURED_RUN = """
import pathlib, sys
from blaze.cli._app import run
status = run(["blaze", *sys.argv[2:]])
pathlib.Path(sys.argv[1]).write_text(pathlib.Path("/proc/self/status").read_text())
sys.exit(status)
"""


@pytest.mark.parametrize("size", [200 << 20, pytest.param(1 << 30, marks=pytest.mark.long)])
def test_a_large_attachment_goes_through_in_little_memory(size: int, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured through /proc")
    big = tmp_path / "big.bin"
    block = hashlib.sha256(b"seed").digest() * 2048
    with big.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    commands = (
        ("make", "--attach", big),
        ("make", "wrap"),
        ("make", "put", big),
        ("extract", "-C", tmp_path / "out", "--all"),
    )
    children: list[subprocess.Popen[bytes]] = []
    for command in commands:
        before = children[-1].stdout if children else None
        child = subprocess.Popen(
            [sys.executable, "-c", MEASURED_RUN, tmp_path / f"status{len(children)}", *map(str, command)],
            stdin=before or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if command is commands[-1] else subprocess.PIPE,
        )
        if before:
            before.close()
        children.append(child)
    for number, child in enumerate(children):
        assert child.wait() == 0, child.args
        peak = re.search(r"VmHWM:\s+(\d+) kB", (tmp_path / f"status{number}").read_text())
        assert peak
        assert int(peak[1]) << 10 < PIPELINE_MEMORY, child.args
    extracted = sorted((tmp_path / "out").rglob("big*"))
    assert [path.stat().st_size for path in extracted] == [big.stat().st_size] * 2
    assert {hashlib.sha256(path.read_bytes()).digest() for path in extracted} == {
        hashlib.sha256(big.read_bytes()).digest()
    }
