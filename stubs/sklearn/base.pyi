"""Types of what is used of scikit-learn's base module, which has none of its own."""

from typing import Any, Self, TypeVar

Estimator = TypeVar("Estimator")

class BaseEstimator:
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...

def clone(estimator: Estimator, *, safe: bool = True) -> Estimator: ...
