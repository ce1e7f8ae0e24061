"""The sections of a datasheet: figures in, text, tables and drawings out. Nothing is computed here
but what print needs: a scale, a sum of shares, a choice of words.
"""
