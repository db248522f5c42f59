"""Authlib: discovery, code with PKCE, refresh, introspection, revocation; the device flow."""

import time

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from surroundings import Callback, arguments, report, send_browser_to

told = arguments()
metadata = requests.get(f"{told['issuer']}/.well-known/oauth-authorization-server").json()
guard = OAuth2Session(told["guard"]["id"], told["guard"]["secret"])


def introspect(token):
    return guard.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()


def by_code():
    callback = Callback()
    client = OAuth2Session(
        told["client_id"],
        scope="api flows:edit",
        redirect_uri=callback.redirect_uri,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
        revocation_endpoint=metadata["revocation_endpoint"],
    )
    verifier = generate_token(48)
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    send_browser_to(url)
    first = client.fetch_token(authorization_response=callback.wait(), state=state, code_verifier=verifier)
    before = introspect(first)
    second = client.refresh_token()
    after = introspect(second)
    client.revoke_token(metadata["revocation_endpoint"], token=second["refresh_token"])
    return {"first": before, "refreshed": after, "revoked": introspect(second)}


def by_device():
    client = OAuth2Session(told["client_id"], token_endpoint=metadata["token_endpoint"])
    started = requests.post(
        metadata["device_authorization_endpoint"], data={"client_id": told["client_id"], "scope": "api"}
    ).json()
    send_browser_to(started["verification_uri_complete"])
    while True:
        try:
            token = client.fetch_token(
                grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=started["device_code"]
            )
            return introspect(token)
        except OAuthError as refused:
            if refused.error not in ("authorization_pending", "slow_down"):
                raise
            time.sleep(started["interval"])


report(code=by_code(), device=by_device())
