"""How kopf logs in: by the pod's service account, or by a kubeconfig file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import kopf


def make_login(kubeconfig: str | None) -> Callable[..., Any]:
    """Return kopf's login handler; None means the pod's service account."""

    async def login(**kwargs: Any) -> Any:
        if kubeconfig is None:
            return kopf.login_with_service_account(**kwargs)
        os.environ["KUBECONFIG"] = kubeconfig  # the only place where kopf looks for its path
        return kopf.login_with_kubeconfig(**kwargs)

    return login
