"""The studio's addresses, a file a subject: runs, recipes, pictures, the latent space, and what is pushed live.

Each function checks what came, asks the shelf or a desk, and packs the result; none computes.
"""
