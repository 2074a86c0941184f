"""Station observations in one growing archive: a Zarr store (time, station) and a ledger of what it holds.

``FILE.zarr/YYYY/POLLUTANT`` holds the values of the labels YYYY-01-01 00:00 to YYYY-12-31 23:00 as 32-bit floats, and
``FILE.zarr/YYYY/given_by/POLLUTANT`` the number of the batch that gave each value. ``FILE.zarr/ledger.sqlite`` says
which batches are held, with the digests of their files, the places of stations and what was rejected.

Values are written first and the batch is entered in the ledger last, in one transaction. Numbers of batches are never
used twice, and a value counts only when the batch that gave it is held: whatever an interrupted ingest left behind is
invisible and is written over. A value that two batches give stays the first one's in the store; the others' are claims
in the ledger, and a cell whose claims differ is rejected. So what is read depends on the batches held, and not on the
order in which they came.
"""
