"""Transcription start sites, gene symbols and ids."""

from __future__ import annotations

from functools import partial
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io
from grnformer.genome.tss import read_tss
from grnformer.prep.features import as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.qc import find_mitochondrial
from inputs.data import LINE_ENDS, cut, ingest, rna, save, small, truth, write
from inputs.rows import Kind

KIND = Kind("TSSs, genes and ids")
RIGHT = {"GENEA": ["chr1", 999, "+"], "GENEB": ["chr2", 1999, "-"]}


def sites(content: str | bytes, path: str = "tss.tsv") -> dict[str, list[Any]]:
    """Chromosome, TSS and strand of each gene, as the job prepare_tss writes and others read them."""
    io.write_table(read_tss(write(path, content)), "read.parquet", "tss")
    table = io.read_table("read.parquet", "tss")
    rows = table[["chrom", "tss", "strand"]].to_numpy().tolist()
    return dict(zip(table["gene"], rows, strict=True))


PLAIN = "gene\tchrom\ttss\tstrand\nGENEA\tchr1\t999\t+\nGENEB\tchr2\t1999\t-\n"
ENSDB = (
    "seqnames\tstrand\tgene_id\ttss\tgene_name\tgene_type\n1\t+\tENSG00000000001\t1000\tGENEA\tx\n"
    "2\t-\tENSG00000000002\t2000\tGENEB\tx\n"
)
BED = "chr1\t999\t1000\tGENEA\t{0}\t+\nchr2\t1999\t2000\tGENEB\t{0}\t-\n"
WINDOWS = "chr1\t-1\t1099\tGENEA\t-450\t+\nchr2\t1900\t3000\tGENEB\t-450\t-\n".replace(
    "-1\t1099", "0\t1100"
)
for given, content, path in [
    ("plain table", PLAIN, "tss.tsv"),
    ("plain table, .csv", PLAIN.replace("\t", ","), "tss.csv"),
    ("plain table, .tsv.gz", PLAIN, "tss.tsv.gz"),
    ("plain table, columns in another order", "strand\ttss\tgene\tchrom\n+\t999\tGENEA\tchr1\n-\t1999\tGENEB\tchr2\n", "tss.tsv"),
    ("chromosomes 1, 2", PLAIN.replace("chr1", "1").replace("chr2", "2"), "tss.tsv"),
    ("strands 1 and -1 (BioMart)", PLAIN.replace("+", "1").replace("\t-", "\t-1"), "tss.tsv"),
    ("positions as 999.0", PLAIN.replace("999\t", "999.0\t"), "tss.tsv"),
    ("spaces around cells", PLAIN.replace("\t", " \t "), "tss.tsv"),
    ("fields in quotes", PLAIN.replace("GENEA", '"GENEA"'), "tss.tsv"),
    ("a byte-order mark", "\ufeff" + PLAIN, "tss.tsv"),
    ("comments", "# x\n" + PLAIN, "tss.tsv"),
    ("EnsDb transcripts", ENSDB, "tss.tsv"),
    ("EnsDb transcripts, .csv", ENSDB.replace("\t", ","), "tss.csv"),
    ("EnsDb transcripts, strands 1 and -1", ENSDB.replace("+", "1").replace("\t-", "\t-1"), "tss.tsv"),
    ("BED6, score .", BED.format("."), "tss.bed"),
    ("BED6, score 0", BED.format("0"), "tss.bed"),
    ("BED6, score 1000", BED.format("1000"), "tss.bed"),
    ("BED6, score -450", BED.format("-450"), "tss.bed"),
    ("BED6, gzipped", BED.format("."), "tss.bed.gz"),
    ("BED6 with a line track", "track name=x\n" + BED.format("."), "tss.bed"),
    ("BED of pycisTopic", "# Chromosome\tStart\tEnd\tGene\tScore\tStrand\tTranscript_type\n" + BED.format(".").replace("\n", "\tx\n"), "tss.bed"),
    ("a TSS twice", PLAIN + "GENEA\tchr1\t999\t+\n", "tss.tsv"),
    ("a gene on a patch, too", PLAIN + "GENEA\tCHR_HG1_PATCH\t5\t+\n", "tss.tsv"),
    ("a gene on an alternative haplotype, too", PLAIN + "GENEA\tchr6_GL000250v2_alt\t5\t+\n", "tss.tsv"),
]:  # fmt: skip
    KIND.works(f"TSSs: {given}", partial(sites, content, path), RIGHT)
for name, end in LINE_ENDS.items():
    KIND.works(
        f"TSSs: line ends {name}", partial(sites, PLAIN.replace("\n", end)), RIGHT
    )


def parquet(change: Any = None) -> dict[str, list[Any]]:
    """The plain table as Parquet."""
    table = pd.DataFrame(
        {
            "gene": ["GENEA", "GENEB"],
            "gene_id": ["ENSG00000000001", None],
            "chrom": ["chr1", "chr2"],
            "tss": [999, 1999],
            "strand": ["+", "-"],
        }
    )
    (change(table) if change else table).to_parquet("tss.parquet")
    io.write_table(read_tss("tss.parquet"), "read.parquet", "tss")
    found = io.read_table("read.parquet", "tss")
    return dict(
        zip(
            found["gene"],
            found[["chrom", "tss", "strand"]].to_numpy().tolist(),
            strict=True,
        )
    )


KIND.works("TSSs: Parquet, a gene without id", parquet, RIGHT)
KIND.works(
    "TSSs: Parquet, categorical columns",
    lambda: parquet(lambda t: t.astype({"chrom": "category", "strand": "category"})),
    RIGHT,
)
KIND.works(
    "TSSs: Parquet, strands as integers",
    lambda: parquet(lambda t: t.assign(strand=[1, -1])),
    RIGHT,
)
KIND.works(
    "TSSs: Parquet, positions as float",
    lambda: parquet(lambda t: t.astype({"tss": float})),
    RIGHT,
)
KIND.works(
    "TSSs: one row of three without a strand",
    lambda: sites(PLAIN + "GENEC\tchr1\t5\t.\n"),
    RIGHT,
    "1 rows without gene, chromosome, TSS or strand",
)
for name in ("NA", "nan", "None", "007", "1e5", "True"):
    KIND.works(
        f"TSSs: a gene called {name}",
        partial(sites, PLAIN.replace("GENEA", name)),
        {name: RIGHT["GENEA"], "GENEB": RIGHT["GENEB"]},
    )
for given, content, *words in [
    ("empty", "", "empty"),
    ("a header alone", PLAIN.split("\n")[0], "header line and no row"),
    ("a column missing", PLAIN.replace("strand", "x"), "columns", "strand"),
    ("a column twice", PLAIN.replace("strand", "gene"), "'gene' stands twice"),
    ("a line with a field less", PLAIN + "GENEC\tchr1\t5\n", "line 4 has 3 fields"),
    ("a word for a position", PLAIN.replace("1999", "x"), "'x'", "number", "line 3"),
    ("a fraction for a position", PLAIN.replace("1999", "1.5"), "'1.5'"),
    ("a negative position", PLAIN.replace("1999", "-4"), "-4", "position"),
    ("a position of 20 digits", PLAIN.replace("1999", "9" * 20), "9" * 20),
    ("thousands separators", PLAIN.replace("1999", "1,999"), "1,999"),
    ("an infinite position", PLAIN.replace("1999", "inf"), "inf"),
    ("strand x", PLAIN.replace("\t-", "\tx"), "'x'", "strand"),
    ("strand 2", PLAIN.replace("\t-", "\t2"), "'2'", "strand"),
    ("strand . in all rows", PLAIN.replace("\t+", "\t.").replace("\t-", "\t."), "strand", "'\\.'"),
    ("no position in any row", PLAIN.replace("999", "").replace("1\t-", "\t-"), "tss"),
    ("EnsDb position 0 (counted from 0)", ENSDB.replace("1000", "0"), "-1|'0'", "position"),
    ("BED of intervals of 500 bp", BED.format(".").replace("1000\t", "1500\t").replace("2000\t", "2500\t"), "501", "1 bp"),
    ("BED with an end before its start", BED.format(".").replace("1000\t", "900\t"), "end"),
    ("BED3", "chr1\t999\t1000\nchr2\t5\t6\n", "symbol in column 4|columns"),
    ("BED, separated by spaces", BED.format(".").replace("\t", " "), "columns"),
    ("GTF", 'chr1\tx\tgene\t1000\t2000\t.\t+\t.\tgene_id "A";\n', "columns"),
    ("latin-1", PLAIN.replace("GENEA", "\xdf").encode("latin-1"), "UTF-8"),
    ("UTF-16", PLAIN.encode("utf-16"), "UTF-16"),
    ("Excel", b"PK\x03\x04" + b"\0" * 50, "Excel"),
    ("a NUL byte", PLAIN.replace("GENEA", "A\0"), "NUL"),
]:  # fmt: skip
    path = "tss.bed" if "BED" in given else "tss.tsv"
    KIND.refused(f"TSSs: {given}", partial(sites, content, path), *words)
KIND.refused(
    "TSSs: .gz cut off", lambda: read_tss(cut(write("t.tsv.gz", PLAIN * 9))), "cut off"
)
KIND.refused("TSSs: Parquet, cut off", lambda: sites(b"PAR1", "tss.parquet"), "Parquet")
KIND.refused(
    "TSSs: Parquet with lists",
    lambda: parquet(lambda t: t.assign(gene=[["A"], ["B"]])),
    "'gene' holds",
)
KIND.refused(
    "TSSs: Parquet, a strand missing in all rows",
    lambda: parquet(lambda t: t.assign(strand=[None, None])),
    "strand",
)


def windows(rows: list[tuple[int, int, str, str]]) -> dict[str, list[Any]]:
    """Promoter windows of HOMER: start, end, score, strand."""
    lines = [f"chr1\t{a}\t{b}\tG{i}\t{s}\t{d}" for i, (a, b, s, d) in enumerate(rows)]
    return sites("\n".join(lines) + "\n", "tss.bed")


KIND.works(
    "TSSs: HOMER's windows",
    lambda: windows([(9000, 10100, "-450", "+"), (9900, 11000, "-450", "-")]),
    {"G0": ["chr1", 9999, "+"], "G1": ["chr1", 9999, "-"]},
)
KIND.works(
    "TSSs: HOMER's windows without scores",
    lambda: windows([(9000, 10100, ".", "+"), (9900, 11000, ".", "-")]),
    {"G0": ["chr1", 9999, "+"], "G1": ["chr1", 9999, "-"]},
)

# names of genes in matrices
TSS = pd.DataFrame(
    {
        "gene": ["GENEA", "GENEB", "GENEC", "GENED"],
        "gene_id": [f"ENSG0000000000{i}" for i in range(1, 5)],
        "chrom": "chr1",
        "tss": [1, 2, 3, 4],
        "strand": "+",
    }
)


def symbols(names: list[str], tss: pd.DataFrame = TSS, **var: Any) -> dict[str, int]:
    """Counts 1, 2, 3 ... of columns, by the gene that each becomes."""
    counts = np.tile(np.arange(1, len(names) + 1), (2, 1))
    counts[1] *= 2
    data = anndata.AnnData(
        sp.csr_matrix(counts),
        pd.DataFrame(index=["c1", "c2"]),
        pd.DataFrame(var, index=names),
    )
    found = as_rna(data, tss, "sample", min_known_genes=0.3).to_df().iloc[0]
    return {name: int(n) for name, n in found.items()}


IDS = list(TSS["gene_id"])
IN_ORDER = dict(zip(TSS["gene"], range(1, 5), strict=True))
KIND.works("genes by symbol", lambda: symbols(list(TSS["gene"])), IN_ORDER)
KIND.works("genes by id", lambda: symbols(IDS), IN_ORDER)
KIND.works(
    "genes by id with versions", lambda: symbols([f"{i}.12" for i in IDS]), IN_ORDER
)
KIND.works(
    "genes by id with versions, as in the TSS table",
    lambda: symbols([f"{i}.5" for i in IDS], read_tss(save_tss(".5"))),
    IN_ORDER,
)
KIND.works(
    "genes by id, versions in the TSS table alone",
    lambda: symbols(IDS, read_tss(save_tss(".5"))),
    IN_ORDER,
)
KIND.works(
    "genes by id; the second has none in the TSS table",
    lambda: symbols(
        [IDS[0], IDS[2], IDS[3]], TSS.assign(gene_id=[IDS[0], None, *IDS[2:]])
    ),
    {"GENEA": 1, "GENEC": 2, "GENED": 3},
)
KIND.works(
    "genes by id, one as _PAR_Y",
    lambda: symbols([f"{IDS[0]}.15", f"{IDS[0]}.15_PAR_Y", IDS[1]]),
    {"GENEA": 3, "GENEB": 3},
    "summed",
)
KIND.works(
    "genes by id, one as ENSGR",
    lambda: symbols([IDS[0], IDS[0].replace("ENSG00", "ENSGR0"), IDS[1]]),
    {"GENEA": 3, "GENEB": 3},
    "summed",
)
KIND.works(
    "two ids of one symbol",
    lambda: symbols(IDS, TSS.assign(gene=["GENEA", "GENEA", "GENEC", "GENED"])),
    {"GENEA": 3, "GENEC": 3, "GENED": 4},
    "summed",
)
KIND.works(
    "genes by symbol with ids beside, one without a symbol (its id)",
    lambda: symbols(["GENEA", "GENEB", IDS[2]]),
    {"GENEA": 1, "GENEB": 2, IDS[2]: 3},
)
KIND.refused(
    "genes in small letters (mouse, in a TSS table of man)",
    lambda: symbols([g.capitalize() for g in TSS["gene"]]),
    "Genea",
    "upper and lower case",
    "Trp53",
)
KIND.refused(
    "unknown names, symbols in var['gene_symbols']",
    lambda: symbols(list("wxyz"), gene_symbols=list(TSS["gene"])),
    "gene_symbols",
    "set var_names",
)
KIND.refused(
    "Entrez numbers", lambda: symbols(["7157", "1017", "4609", "672"]), "0% known"
)
KIND.refused(
    "ids of mouse in a TSS table of man",
    lambda: symbols([i.replace("ENSG", "ENSMUSG") for i in IDS]),
    "ENSMUSG",
    "0% known",
)
KIND.refused(
    "names with a genome before (GRCh38_)",
    lambda: symbols([f"GRCh38_{g}" for g in TSS["gene"]]),
    "GRCh38",
    "remove the genome",
)
KIND.refused(
    "names of two genomes",
    lambda: symbols(["GRCh38_GENEA", "GRCh38_GENEB", "mm10___Genec", "mm10___Gened"]),
    "mixed-species",
    "GRCh38",
    "mm10",
)
KIND.refused(
    "names of two genomes, hg19_ and mm10_",
    lambda: symbols(["hg19_GENEA", "hg19_GENEB", "mm10_Genec", "mm10_Gened"]),
    "mixed-species",
    "hg19",
)


def save_tss(version: str) -> str:
    """The TSS table as a file, ids with a version."""
    TSS.assign(gene_id=TSS["gene_id"] + version).to_csv(
        "tss.tsv", sep="\t", index=False
    )
    return "tss.tsv"


def numbered_twice(make: Any) -> dict[str, int]:
    """TBCE twice, as scanpy or R numbers it; ids tell that both are TBCE."""
    ids = ["ENSG00000284770", "ENSG00000285053", "ENSG00000136997"]
    tss = pd.DataFrame(
        {
            "gene": ["TBCE", "TBCE", "MYC"],
            "gene_id": ids,
            "chrom": "chr1",
            "tss": [1, 2, 3],
            "strand": "+",
        }
    )
    data = anndata.AnnData(
        sp.csr_matrix([[1, 2, 5], [1, 2, 5]]),
        pd.DataFrame(index=["A-1", "B-1"]),
        pd.DataFrame({"gene_ids": ids}, index=["TBCE", make, "MYC"]),
    )
    read = as_rna(read_matrix(save(data, "d.h5ad")), tss, "sample", min_known_genes=0.3)
    return read.to_df().iloc[0].astype(int).to_dict()


for name in ("TBCE-1", "TBCE.1", "TBCE"):
    KIND.works(
        f"TBCE twice, the second called {name}, ids in var",
        partial(numbered_twice, name),
        {"TBCE": 3, "MYC": 5},
        "summed",
    )
for names in (["MT-ND1"], ["mt-Nd1"], ["mt:ND1"], ["MT.ND1"], ["ND1"]):
    KIND.works(
        f"a mitochondrial gene called {names[0]}",
        lambda n=names: find_mitochondrial(
            pd.Index(["A", *n]),
            pd.DataFrame({"gene": ["A", *n], "chrom": ["chr1", "chrM"]}),
        ).tolist(),
        [False, True],
    )
KIND.works(
    "no mitochondrial gene",
    lambda: find_mitochondrial(
        pd.Index(["A"]), pd.DataFrame({"gene": ["A"], "chrom": ["chr1"]})
    ).tolist(),
    [False],
    "no mitochondrial gene",
)
KIND.works(
    "MTOR, which is no mitochondrial gene",
    lambda: find_mitochondrial(
        pd.Index(["MTOR", "MT-CO1"]),
        pd.DataFrame({"gene": ["MTOR", "MT-CO1"], "chrom": ["chr1", "chrM"]}),
    ).tolist(),
    [False, True],
)


def by_id() -> pd.DataFrame:
    """The simulated RNA, genes by id."""
    known = small().tss.drop_duplicates("gene").set_index("gene")["gene_id"]
    data = rna()
    data.var_names = pd.Index([known[g] for g in data.var_names])
    found: pd.DataFrame = ingest(save(data, "rna.h5ad"))["rna"]
    return found


KIND.works("a whole sample, genes by id", by_id, truth())
KIND.works(
    "a sample with both gene_id and gene_ids in var",
    lambda: ingest(save(with_both_ids(), "rna.h5ad"))["rna"],
    truth(),
)


def with_both_ids() -> anndata.AnnData:
    """Two columns of ids."""
    data = rna()
    data.var["gene_id"] = data.var["gene_ids"] = [f"x{i}" for i in range(data.n_vars)]
    return data
