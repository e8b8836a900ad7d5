"""Diffusion whose flux is asked of a closure: finite elements in the plane, steady or in time.

``law.py`` is what is solved, ``discretisation.py`` its finite elements, ``steady.py`` and ``transient.py`` the solvers,
``schemes.py`` one step of time each, ``indicators.py`` the two errors of a solution, ``recovery.py``
the gradient that neighbouring elements agree on, ``balanced.py`` their balance.
"""
