from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.llm.providers.tls_trust import tls_context

openai = pytest.importorskip("openai", reason="needs the extra 'llm'")


def test_connections_share_what_the_client_trusts_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tls_context(openai)
    assert tls_context(openai) is shared
    with openai.DefaultHttpxClient() as client:
        by_itself = client._transport._pool._ssl_context
    assert shared.cert_store_stats() == by_itself.cert_store_stats()
    assert (shared.verify_mode, shared.check_hostname) == (by_itself.verify_mode, by_itself.check_hostname)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls_context(openai) is not shared
