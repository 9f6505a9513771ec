"""Names for the array types that flow through the platform. One dimension unless said otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes32 = NDArray[np.int32]  # device codes
Codes16 = NDArray[np.int16]  # quantity codes
Times = NDArray[np.int64]  # ns since 1970-01-01T00:00Z
Values = NDArray[np.float64]  # NaN where a value is missing
Flags = NDArray[np.uint8]  # telemetry.flags.Flag
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
AnyArray = NDArray[Any]
