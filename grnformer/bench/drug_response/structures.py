"""Drug structures: one key a compound, fingerprints, similarity."""

from __future__ import annotations

import numpy as np

from grnformer.core.errors import InputError

FINGERPRINT_RADIUS = 2  # ECFP4
FINGERPRINT_BITS = 2048


# metals that are no mere counter-ions: all but those of groups 1 and 2
_METALS = frozenset(
    (13, *range(21, 32), *range(39, 51), *range(57, 85), *range(89, 113))
)


def structure_key(smiles: str) -> str:
    """First block of the InChIKey of the largest fragment: the skeleton, without salt, charge form or stereo.

    Screens enter one compound under several names, with and without its counter-ion or stereo marks; these
    must not stand on both sides of a split. A metal complex is taken whole: cisplatin is not ammonia.

    Returns
    -------
    The key, or "" where InChI has none (an unknown or repeated group): such structures are not known to be one.

    Raises
    ------
    InputError
        If RDKit cannot read the SMILES.
    """
    from rdkit.Chem.MolStandardize import rdMolStandardize
    from rdkit.Chem.rdinchi import MolToInchiKey
    from rdkit.rdBase import BlockLogs

    with BlockLogs():  # InChI comments on every stereo bond
        molecule = read_molecule(smiles)
        # the largest fragment of a complex is one of its ligands
        if not any(atom.GetAtomicNum() in _METALS for atom in molecule.GetAtoms()):
            molecule = rdMolStandardize.FragmentParent(molecule)
        # Stereo is in the second block, protonation in the third.
        return str(MolToInchiKey(molecule)).split("-")[0]


def read_molecule(smiles: str):  # type: ignore[no-untyped-def]
    """RDKit molecule of a SMILES; InputError if it cannot be read."""
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InputError(
            f"the SMILES {smiles!r}",
            "a SMILES that RDKit reads",
            "correct the drug's structure",
        )
    return molecule


def fingerprints(smiles: list[str]) -> np.ndarray:
    """Morgan fingerprints (radius 2, 2,048 bits; doi 10.1021/ci100050t) of `smiles`: drugs x bits, 0/1, float32."""
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(
        radius=FINGERPRINT_RADIUS, fpSize=FINGERPRINT_BITS
    )
    return np.stack(
        [generator.GetFingerprintAsNumPy(read_molecule(s)) for s in smiles]
    ).astype(np.float32)


def tanimoto(bits: np.ndarray) -> np.ndarray:
    """Tanimoto similarity, drugs x drugs in [0, 1], of binary fingerprints (drugs x bits)."""
    # Of 0 and 1, the product counts the bits that both have.
    shared = bits @ bits.T
    size = bits.sum(axis=1)
    union = size[:, None] + size[None, :] - shared
    # Two fingerprints without any bit: 0, not 0 over 0.
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
