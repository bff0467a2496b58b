"""The label on the furniture, 70 by 35 mm: name, kind, id, and a QR code that says the same to a phone. No secrets.

stoep:c0ffee01?kind=bin&name=grote-markt-3
"""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from stoep.registry import atomic
from stoep_field.errors import FolderError
from stoep_field.papers.journal import Board

_SCHEME = "stoep"
_MM = (70, 35)
_DPI = 300
_INCH = 25.4
_QR_MM = 29
_MARGIN_MM = 3
_SMALLEST = 4  # points that one can still read
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def text(board: Board) -> str:
    """What the QR code says."""
    return f"{_SCHEME}:{board.kid}?kind={quote(board.kind)}&name={quote(board.name)}"


def read(said: str) -> tuple[str, str, str]:
    """(kid, kind, name) of what a scanner read. Raises FolderError."""
    parts = urlsplit(said)
    asked = parse_qs(parts.query)
    if parts.scheme != _SCHEME or not parts.path or "name" not in asked:
        raise FolderError(f"{said!r} is on no label of ours", "scan the label again, or write the node's name")
    return parts.path, asked.get("kind", [""])[0], asked["name"][0]


def write(board: Board, folder: Path) -> tuple[Path, Path]:
    """NAME.pdf and NAME.png in `folder`; returns both. Raises FolderError."""
    pdf, png = folder / f"{board.name}.pdf", folder / f"{board.name}.png"
    try:
        atomic.make_folder(folder)
        atomic.replace(png, _png(board), 0o644)
        atomic.replace(pdf, _pdf(board), 0o644)
    except OSError as error:
        raise FolderError(f"{folder} cannot be written ({error.strerror})", "make room there") from error
    return pdf, png


def _lines(board: Board) -> list[tuple[str, float, bool]]:
    """(words, height in mm, bold). A place in letters that a label cannot show gives way to the name."""
    try:
        board.place.encode("latin-1")
        place = board.place or board.name
    except UnicodeEncodeError:
        place = board.name
    return [(place, 5.0, True), (board.kind, 4.0, False), (board.kid, 4.6, True), (board.name, 3.0, False)]


def _matrix(board: Board) -> list[list[bool]]:
    import segno

    code = segno.make(text(board), error="m", micro=False)
    return [[bool(module) for module in row] for row in code.matrix_iter(border=4)]


def _png(board: Board) -> bytes:
    import io

    from PIL import Image, ImageDraw, ImageFont

    def px(mm: float) -> int:
        return round(mm * _DPI / _INCH)

    label = Image.new("1", (px(_MM[0]), px(_MM[1])), 1)
    draw = ImageDraw.Draw(label)
    matrix = _matrix(board)
    module = px(_QR_MM) // len(matrix)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                at = px(_MARGIN_MM) + x * module, px(_MARGIN_MM) + y * module
                draw.rectangle((*at, at[0] + module - 1, at[1] + module - 1), fill=0)
    left, y_mm = px(_MARGIN_MM + _QR_MM + 2), 5.0
    room = px(_MM[0]) - left - px(_MARGIN_MM)
    for words, height, _ in _lines(board):
        size = px(height)
        while draw.textlength(words, ImageFont.load_default(size)) > room and size > px(1.5):
            size -= 1
        draw.text((left, px(y_mm)), words, fill=0, font=ImageFont.load_default(size))
        y_mm += height + 2.0
    kept = io.BytesIO()
    label.save(kept, "PNG", dpi=(_DPI, _DPI))
    return kept.getvalue()


def _pdf(board: Board) -> bytes:
    from fpdf import FPDF

    page = FPDF(unit="mm", format=_MM)
    page.set_auto_page_break(False)
    page.set_margin(0)
    page.set_title(board.name)
    page.set_creation_date(datetime.fromisoformat(board.made_at) if board.made_at else _NEVER)
    page.add_page()
    matrix = _matrix(board)
    module = _QR_MM / len(matrix)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                page.rect(_MARGIN_MM + x * module, _MARGIN_MM + y * module, module, module, style="F")
    left, y_mm = _MARGIN_MM + _QR_MM + 2, 5.0
    room = _MM[0] - left - _MARGIN_MM
    for words, height, bold in _lines(board):
        points = height / _INCH * 72
        page.set_font("Helvetica", "B" if bold else "", points)
        while page.get_string_width(words) > room and points > _SMALLEST:
            points -= 0.5
            page.set_font_size(points)
        page.text(left, y_mm + height * 0.8, words)
        y_mm += height + 2.0
    return bytes(page.output())
