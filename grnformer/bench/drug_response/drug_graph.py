"""Drugs as graphs of atoms and bonds, for PyTorch Geometric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.bench.drug_response.structures import read_molecule

if TYPE_CHECKING:
    from torch_geometric.data import Batch

ELEMENTS = ("C", "N", "O", "S", "F", "Cl", "Br", "I", "P", "B")
HYBRIDISATIONS = ("SP", "SP2", "SP3")
MAX_DEGREE = 4
MAX_HYDROGENS = 3
N_ATOM_FEATURES = (
    len(ELEMENTS) + 1 + (MAX_DEGREE + 1) + (MAX_HYDROGENS + 1) + len(HYBRIDISATIONS) + 5
)


def batch_drugs(smiles: list[str]) -> Batch:
    """All drugs as one batch of graphs, in the order of `smiles`.

    Nodes are heavy atoms (`N_ATOM_FEATURES` features: element, bonds, hydrogens, hybridisation, charge, aromaticity,
    ring, stereocentre); edges are bonds in both directions.
    """
    import torch
    from torch_geometric.data import Batch, Data

    graphs = []
    for text in smiles:
        molecule = read_molecule(text)
        atoms = torch.tensor([_atom_features(atom) for atom in molecule.GetAtoms()])
        ends = [
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            for bond in molecule.GetBonds()
        ]
        # A molecule of one atom has no bond: the shape must not be left to the list.
        one_way = torch.tensor(ends, dtype=torch.long).reshape(-1, 2)
        # Messages go along directed edges: each bond is entered both ways.
        both_ways = torch.cat([one_way, one_way.flip(1)])
        graphs.append(Data(x=atoms, edge_index=both_ways.T.contiguous()))
    return Batch.from_data_list(graphs)


def _atom_features(atom: Any) -> list[float]:
    return [
        *_one_hot(atom.GetSymbol(), ELEMENTS, other=True),
        # the last place of bonds and hydrogens is for all higher numbers
        *_one_hot(min(atom.GetDegree(), MAX_DEGREE), range(MAX_DEGREE + 1)),
        *_one_hot(min(atom.GetTotalNumHs(), MAX_HYDROGENS), range(MAX_HYDROGENS + 1)),
        *_one_hot(str(atom.GetHybridization()), HYBRIDISATIONS),
        float(atom.GetFormalCharge() > 0),
        float(atom.GetFormalCharge() < 0),
        float(atom.GetIsAromatic()),
        float(atom.IsInRing()),
        float(str(atom.GetChiralTag()) != "CHI_UNSPECIFIED"),
    ]


def _one_hot(value: object, choices: Any, other: bool = False) -> list[float]:
    hot = [float(value == choice) for choice in choices]
    return [*hot, float(not any(hot))] if other else hot
