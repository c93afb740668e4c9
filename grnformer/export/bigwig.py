"""Coverage of each cell type's fragments as bigWig, for IGV and UCSC, in bins of 10 bp.

A value is the number of fragments over the bin, per million bases that the type's fragments cover together. Written by
SnapATAC2 (make env-fragments), which has imported the fragments.
"""

from __future__ import annotations

from pathlib import Path

from grnformer.api.run import NotInRun, Run
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.prep.fragments.snapatac import export_coverage, require_snapatac

BIN_SIZE = 10  # bp


def write(run: Run, folder: Path) -> None:
    """Write ``<cell type>.bw``.

    Raises
    ------
    NotInRun
        If no sample was given as fragments, or SnapATAC2 is not installed.
    """
    stored = sorted((run.folder / "prep" / "fragments").glob("*/fragments.h5ad"))
    if not stored:
        raise NotInRun(
            f"no fragments in {run.folder / 'prep'}: the samples were given as matrices",
            "samples given as fragments (column fragments of the sample sheet)",
            "leave the format bigwig out",
        )
    try:
        require_snapatac()
    except InputError as error:
        raise NotInRun(error.found, error.expected, error.remedy) from error

    cells = run.read_cells("rna").obs
    stems = file_names(run.cell_types)
    groups = cells[["sample"]].astype(str)
    # cells are named <sample>:<barcode>
    groups["barcode"] = [
        name[len(sample) + 1 :]
        for name, sample in zip(cells.index, groups["sample"], strict=True)
    ]
    # a type without a network has no file
    groups["group"] = cells["cell_type"].astype(str).map(stems).fillna("")
    files = {path.parent.name: str(path) for path in stored}
    export_coverage(files, groups, folder, BIN_SIZE)
