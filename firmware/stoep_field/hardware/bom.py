"""The bill of materials: what to buy for one piece of furniture."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator

from stoep_field.hardware.drawing import Drawing

HEAD = ("reference", "quantity", "unit", "part", "maker", "order number", "price class", "supply", "mount")


def render(drawing: Drawing) -> str:
    """CSV with a head; price classes: € up to 5 euros a piece, €€ 20, €€€ 100, €€€€ more."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(_parts(drawing))
    writer.writerows(_fittings(drawing))
    writer.writerows(_wires(drawing))
    return text.getvalue()


def _parts(drawing: Drawing) -> Iterator[tuple[object, ...]]:
    for part in drawing.parts.values():
        supply = f"{part.supply} ({part.volts[0]:g} V to {part.volts[1]:g} V)" if part.supply and part.volts else ""
        name = f"{part.name} (instead of {part.instead_of})" if part.instead_of else part.name
        yield name, 1, "piece", part.part, part.maker, part.number, part.price, supply, part.mount


def _fittings(drawing: Drawing) -> Iterator[tuple[object, ...]]:
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fitting in drawing.fittings.values():
        alike[fitting.part, fitting.number].append(fitting.name)
    for (part, number), names in alike.items():
        yield (
            " ".join(names),
            len(names),
            "piece",
            part,
            "as the number says",
            number,
            "€",
            "",
            "soldered to the carrier",
        )


def _wires(drawing: Drawing) -> Iterator[tuple[object, ...]]:
    metres: dict[tuple[float, str], float] = defaultdict(float)
    for bundle in drawing.bundles.values():
        if bundle.part:
            yield f"wires {bundle.name}", 1, "piece", bundle.part, bundle.maker, "", bundle.price, "", ""
            continue
        for run in bundle.runs:
            metres[bundle.gauge, run.colour] += bundle.metres
    for (gauge, colour), length in sorted(metres.items(), reverse=True):
        yield "wires", f"{length:.2f}", "m", f"stranded copper {gauge:g} mm², {colour}", "any", "", "€", "", ""
