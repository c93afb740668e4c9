"""Topics: latent patterns of accessibility, by methods, one a file, and the region sets taken from them.

A method takes (matrix, n_topics, seed=..., **settings) and returns a TopicModel. The original, pycisTopic, runs before
in an environment apart (rule run_pycistopic); its method takes (cells, regions, **tables) and returns Fits.
"""
