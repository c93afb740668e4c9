"""Expression profiles after perturbations: which profile does a perturbation give that training has not seen?"""
