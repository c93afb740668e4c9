"""Tracks for the UCSC browser and IGV: region-gene links as interact, cistromes and regions of networks as BED.

interact: https://genome.ucsc.edu/goldenPath/help/interact.html. Positions are 0-based, ends exclusive, in bp.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.export.edges import check_unspaced, triplets_with_regions
from grnformer.genome.regions import parse_regions

if TYPE_CHECKING:
    import pandas as pd

ACTIVATES, REPRESSES = "#2166ac", "#d6604d"
_HIGHEST = 1000  # score of a BED
_NAMED = 12  # TFs in the name of a region or link
_LINK = ["region", "gene"]


def write(run: Run, folder: Path) -> None:
    """Write ``links.interact``, ``cistromes.bed``, and ``cell_type/<type>.{links.interact,regions.bed}``.

    Links are those of the eRegulons, from the region to the gene's nearest TSS; in a type, those of its network. Blue
    links have accessibility and expression rise together, red ones against each other. The score of a link is the
    rank of its weight (0 to 1000), its value the correlation. The score of a cistrome's region is the rank of the
    evidence's score for the TF.
    """
    triplets = triplets_with_regions(run)
    links = tabulate_links(triplets, run.tss)
    _write_track(links, folder / "links.interact", _links_line(run.dataset))

    sites = tabulate_cistromes(run.cistromes)
    line = _bed_line(f"{run.dataset} cistromes", "Regions bound by each TF")
    _write_track(sites, folder / "cistromes.bed", line)

    for cell_type, stem in file_names(run.cell_types).items():
        held = run.networks[cell_type].explode("regions")[["tf", "gene", "regions"]]
        held = held.dropna().rename(columns={"regions": "region"})
        # the links of the type's network, whatever TF they were found by
        keys = held[_LINK].drop_duplicates()
        of_type = triplets.merge(keys, on=_LINK)
        place = folder / "cell_type"
        label = f"{run.dataset} {cell_type}"
        track = tabulate_links(of_type, run.tss)
        _write_track(track, place / f"{stem}.links.interact", _links_line(label))

        regions = tabulate_regions(held)
        about = f"Regions of the network of {cell_type}"
        line = _bed_line(f"{label} regions", about)
        _write_track(regions, place / f"{stem}.regions.bed", line)


def tabulate_links(triplets: pd.DataFrame, tss: pd.DataFrame) -> pd.DataFrame:
    """Columns of an interact track, one row a link, sorted by place.

    Parameters
    ----------
    triplets
        Contract ``eregulons``, with regions.
    tss
        Contract ``tss``.

    Raises
    ------
    InputError
        If a linked gene has no TSS on the chromosome of its region.
    """
    import pandas as pd

    measured = ["region_gene_weight", "region_gene_rho"]
    links = triplets.drop_duplicates(_LINK)[[*_LINK, *measured]].reset_index(drop=True)
    # several TFs may share a link, which then has one arc
    by = triplets.groupby(_LINK)["tf"].agg(_some)
    links["tfs"] = by.loc[pd.MultiIndex.from_frame(links[_LINK])].to_numpy()
    links = links.join(_places(links["region"]))
    links["tss"] = nearest_tss(links, tss)

    low = links[["start", "tss"]].min(axis=1)
    high = np.maximum(links["end"], links["tss"] + 1)
    # Spearman's rho of 0 or above: accessibility and expression rise together
    colour = np.where(links["region_gene_rho"] >= 0, ACTIVATES, REPRESSES)
    track = pd.DataFrame(
        {
            "chrom": links["chrom"],
            "chromStart": low,
            "chromEnd": high,
            "name": links["gene"] + "|" + links["region"],
            "score": _ranks(links["region_gene_weight"]),
            "value": links["region_gene_rho"].map("{:.4g}".format),
            "exp": links["tfs"],
            "color": colour,
            "sourceChrom": links["chrom"],
            "sourceStart": links["start"],
            "sourceEnd": links["end"],
            "sourceName": links["region"],
            "sourceStrand": ".",
            "targetChrom": links["chrom"],
            "targetStart": links["tss"],
            "targetEnd": links["tss"] + 1,
            "targetName": links["gene"],
            "targetStrand": ".",
        }
    )
    return track.sort_values(["chrom", "chromStart", "chromEnd", "name"])


def nearest_tss(links: pd.DataFrame, tss: pd.DataFrame) -> np.ndarray:
    """Position (0-based, bp) of the TSS of each link's gene that is nearest to the middle of its region.

    Parameters
    ----------
    links
        Columns gene, chrom, start, end; numbered from 0.
    tss
        Contract ``tss``.

    Raises
    ------
    InputError
        If a gene has no TSS on that chromosome.
    """
    pairs = links[["gene", "chrom"]].assign(
        link=links.index, middle=(links["start"] + links["end"]) / 2
    )
    pairs = pairs.merge(tss[["gene", "chrom", "tss"]], on=["gene", "chrom"])
    pairs["away"] = (pairs["tss"] - pairs["middle"]).abs()
    nearest = pairs.sort_values(["link", "away", "tss"]).drop_duplicates("link")
    found = nearest.set_index("link")["tss"].reindex(links.index)
    if found.isna().any():
        gene, chrom = links.loc[found.isna(), ["gene", "chrom"]].iloc[0]
        raise InputError(
            f"{int(found.isna().sum())} links to genes without a TSS on their region's chromosome, first {gene} on "
            f"{chrom}",
            "prep/tss.parquet and grn/eregulons.parquet of one run",
            "run the stage grn again",
        )
    return found.astype(np.int64).to_numpy()


def tabulate_cistromes(cistromes: pd.DataFrame) -> pd.DataFrame:
    """BED6 of the regions of each TF, which is the name; sorted by place.

    Parameters
    ----------
    cistromes
        Contract ``cistromes``: a region that stands several times for a TF has its highest score.
    """
    best = cistromes.groupby(["tf", "region"], sort=True)["score"].max().reset_index()
    score = best.groupby("tf")["score"].rank(pct=True)
    return _as_bed(best["region"], best["tf"], _as_score(score))


def tabulate_regions(held: pd.DataFrame) -> pd.DataFrame:
    """BED6 of regions, named by TFs that act in them; the score counts their targets, 1000 and above as 1000.

    Parameters
    ----------
    held
        Columns tf, gene, region.
    """
    of_region = held.groupby("region", sort=True)
    tfs = of_region["tf"].agg(_some)
    n_targets = of_region["gene"].nunique().clip(upper=_HIGHEST)
    found = tfs.reset_index()
    return _as_bed(found["region"], found["tf"], n_targets.to_numpy())


def _as_bed(regions: pd.Series, names: pd.Series, score: np.ndarray) -> pd.DataFrame:
    bed = _places(regions)
    bed = bed.assign(name=names.to_numpy(), score=score, strand=".")
    return bed.sort_values(["chrom", "start", "end", "name"])


def _places(regions: pd.Series) -> pd.DataFrame:
    """chrom, start and end of region names, which may repeat; numbered as the series."""
    import pandas as pd

    names = pd.Index(regions.unique())
    parsed = parse_regions(names, "regions of the networks").set_axis(names)
    return parsed.loc[regions].set_axis(regions.index)[["chrom", "start", "end"]]


def _some(names: pd.Series) -> str:
    """The first names and how many more there are: browsers cut what is long."""
    distinct = sorted(set(names))
    more = len(distinct) - _NAMED
    return ",".join(distinct[:_NAMED]) + (f",+{more}" if more > 0 else "")


def _ranks(weights: pd.Series) -> np.ndarray:
    return _as_score(weights.rank(pct=True))


def _as_score(fraction: pd.Series) -> np.ndarray:
    return (fraction * _HIGHEST).round().astype(int).to_numpy()


def _links_line(label: str) -> str:
    kind = "type=interact interactDirectional=true maxHeightPixels=200:100:50"
    about = "Region-gene links of eRegulons"
    return _line(f"{label} links", about, f"{kind} visibility=full")


def _bed_line(name: str, about: str) -> str:
    return _line(name, about, "useScore=1 visibility=dense")


def _line(name: str, about: str, options: str) -> str:
    """The line above a track; quotes would end a name."""
    words = [text.replace('"', "'") for text in (name, about)]
    return f'track name="{words[0]}" description="{words[1]}" {options}'


def _write_track(table: pd.DataFrame, path: Path, line: str) -> None:
    """Write the track line and the rows, separated by tabs."""
    for column in table.select_dtypes("object"):
        check_unspaced(table[column], path, "genome browsers end a column at it")
    text = table.to_csv(sep="\t", header=False, index=False)
    with io.atomic(path) as temporary:
        temporary.write_text(f"{line}\n{text}", encoding="utf-8")
