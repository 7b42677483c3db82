"""Types of arrays; a name says the type of its numbers."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "Float16Array", "Float32Array", "Float64Array", "Int32Array", "Int64Array"]

BoolArray = NDArray[np.bool_]
Float16Array = NDArray[np.float16]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
