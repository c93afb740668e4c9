"""Whatever bytes a file of a user holds, its reader gives a table or an InputError, and never another exception."""

import gzip
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grnformer.bench.drug_response.structures import structure_key
from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited
from grnformer.core.text import open_text, read_parquet
from grnformer.core.unpickle import read_plain_dict, read_text_dict
from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.motifs import read_motifs
from grnformer.genome.tss import read_tss
from grnformer.graph.vocabulary import read_aliases, read_vocabulary
from grnformer.grn.prior import read_prior
from grnformer.grn.tfs import read_tf_list
from grnformer.settings.read import complete
from grnformer.workflow.config import read_samples

ROOT = Path(__file__).parents[2]
CONFIG = complete(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
EVIDENCE = {"motif_similarity_fdr": 0.001, "orthologous_identity": 0.0}
MEME = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF a\nletter-probability matrix: w= 2 nsites= 20\n1 0 0 0\n0 .5 .5 0\n"

#: Name of the file, its reader, and content that it reads.
READERS: dict[str, tuple[Callable[[Path], Any], bytes]] = {
    "sheet.tsv": (
        lambda path: read_samples(path, CONFIG, {"a": {}}),
        b"dataset\tsample\trna\tatac\tgenome\nd\ts\tresource:a\tresource:a\thg38\n",
    ),
    "tss.tsv": (read_tss, b"gene\tchrom\ttss\tstrand\nA\tchr1\t5\t+\nB\t2\t7\t-1\n"),
    "tss.bed": (read_tss, b"chr1\t9\t10\tA\t.\t+\nchr1\t19\t20\tB\t.\t-\n"),
    "tss.csv.gz": (
        read_tss,
        gzip.compress(b"gene,chrom,tss,strand\nA,chr1,5,+\n", mtime=0),
    ),
    "prior.tsv": (read_prior, b"tf\tgene\tsign\nA\tB\tActivation\nC\tD\t-1\n"),
    "omnipath.tsv": (
        read_prior,
        b"source\ttarget\ttype\tsources\tis_stimulation\tis_inhibition\nA\tB\ttranscriptional\ts\tTRUE\t0\n",
    ),
    "tfs.txt": (read_tf_list, b"PAX5\nSPI1\n"),
    "tfs.csv": (read_tf_list, b"tf,family\nPAX5,x\n"),
    "motif_tfs.tsv": (
        partial(read_annotations, **EVIDENCE),
        b"motif\tTF\tdirectAnnotation\tinferred_Orthology\tinferred_MotifSimil\nm\tA\tTRUE\tNA\tno\n",
    ),
    "snapshot.tbl": (
        partial(read_annotations, **EVIDENCE),
        b"#motif_id\tgene_name\tmotif_similarity_qvalue\torthologous_identity\tdescription\n"
        b"m\tA\t0\t1\tgene is directly annotated\n",
    ),
    "motifs.jaspar": (
        lambda path: read_motifs([path], background_fraction=0.01),
        b">m\tA\nA [ 1 2 ]\nC [ 1 0 ]\nG [ 0 0 ]\nT [ 3 3 ]\n",
    ),
    "motifs.meme": (
        lambda path: read_motifs([path], background_fraction=0.01),
        MEME.encode(),
    ),
    "motifs.json": (
        lambda path: read_motifs([path], background_fraction=0.01),
        json.dumps([{"ID": "m", "counts": [[1], [2], [3], [4]]}]).encode(),
    ),
    "vocabulary.json": (read_vocabulary, b'{"A": 0, "B": 2}'),
    "vocabulary.tsv": (read_vocabulary, b"gene_name\tindex\nA\t0\nB\t1\n"),
    "vocabulary.pkl": (read_vocabulary, pickle.dumps({"A": 0, "B": 1})),
    "aliases.tsv": (read_aliases, b"alias\tsymbol\nA\tB\n"),
    "aliases.pkl": (read_aliases, pickle.dumps({"A": "B"}, protocol=2)),
    "smiles.pkl": (read_text_dict, pickle.dumps({"drug": "CCO"}, protocol=0)),
    "medians.pkl": (read_plain_dict, pickle.dumps({"A": 1.5})),
    "screen.csv": (
        lambda path: read_delimited(path, ",", ["DRUG_NAME"]),
        b"DRUG_NAME,LN_IC50\nx,1.5\n",
    ),
}
#: What breaks tables in practice.
PIECES = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\t", b",", b"\n", b"\r", b"#", b"-1", b"1.5", b"nan", b"inf",
    b"1e400", b"99999999999999999999", b"NA", b"\xdf", b"\xce\xb1", b"{", b"]", b"(", b">", b"", b"  ", b"\x1f\x8b",
    b"PK\x03\x04", b"\x94\x8c\x05posix", b"r\xff\xff\xff\x7f",
]  # fmt: skip
quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def table_or_message(read: Callable[[Path], Any], path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with suppress(InputError):
        read(path)


@pytest.mark.parametrize("name", READERS)
def test_good_content_is_read(tmp_path: Path, name: str) -> None:
    read, content = READERS[name]
    (tmp_path / name).write_bytes(content)
    assert len(read(tmp_path / name)) > 0


@pytest.mark.parametrize("name", READERS)
@quick
@given(data=st.data())
def test_a_changed_file_is_read_or_refused(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    read, content = READERS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(start + 12, len(content))))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        content = content[:start] + piece + content[end:]
    table_or_message(read, tmp_path / name, content)


@pytest.mark.parametrize("name", READERS)
@quick
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    table_or_message(READERS[name][0], tmp_path / name, content)


@pytest.mark.parametrize("name", READERS)
def test_a_file_cut_off_anywhere_is_read_or_refused(tmp_path: Path, name: str) -> None:
    read, content = READERS[name]
    for length in range(len(content)):
        table_or_message(read, tmp_path / name, content[:length])


@quick
@given(content=st.binary(max_size=40))
def test_parquet_and_streams_are_read_or_refused(
    tmp_path: Path, content: bytes
) -> None:
    table_or_message(read_parquet, tmp_path / "table.parquet", b"PAR1" + content)

    def read_stream(path: Path) -> bytes:
        with open_text(path) as text:
            return text.read()

    table_or_message(read_stream, tmp_path / "text", content)
    packed = gzip.compress(content)[: 10 + len(content)]
    table_or_message(read_stream, tmp_path / "text", packed)


@quick
@given(smiles=st.text("CNOPSclBr[]()=#*.+-123@Pt", max_size=12))
def test_any_structure_has_a_key_or_is_refused(smiles: str) -> None:
    with suppress(InputError):
        assert isinstance(structure_key(smiles), str)
