"""From measurement tables to a cell file: readers, the fits of all laws, plots and the writer.

Results of a law's own ``fit_...`` function are values of :mod:`tantala.cell.fit.result`.
"""
