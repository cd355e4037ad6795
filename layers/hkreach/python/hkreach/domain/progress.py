"""How far a step got with a queue record."""

from typing import Literal

type Progress = Literal["done", "later"] | int
"""`done`: acknowledge. `later`: come back after the usual back-off. A number: come back after so many seconds."""
