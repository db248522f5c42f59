"""requests-oauthlib: code with PKCE, automatic refresh, the device flow."""

import os
import time

# Its own check of https is the only one that a loopback server cannot meet.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from oauthlib.oauth2 import DeviceClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from surroundings import Callback, arguments, report, send_browser_to

told = arguments()
metadata = requests.get(f"{told['issuer']}/.well-known/oauth-authorization-server").json()


def introspect(token):
    guard = (told["guard"]["id"], told["guard"]["secret"])
    body = {"token": token["access_token"]}
    return requests.post(metadata["introspection_endpoint"], data=body, auth=guard).json()


def by_code():
    callback = Callback()
    kept = []
    client = OAuth2Session(
        told["client_id"],
        scope=["api", "flows:edit"],
        redirect_uri=callback.redirect_uri,
        pkce="S256",
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={"client_id": told["client_id"]},
        token_updater=kept.append,
    )
    url, _state = client.authorization_url(metadata["authorization_endpoint"])
    send_browser_to(url)
    first = client.fetch_token(
        metadata["token_endpoint"], authorization_response=callback.wait(), include_client_id=True
    )
    before = introspect(first)
    # The next request finds the token out of date, and has a new one before it is sent.
    client.token = {**first, "expires_at": time.time() - 1}
    answer = client.get(told["api"] + "/projects")
    return {"first": before, "api": answer.status_code, "refreshed": introspect(kept[0])}


def by_device():
    client = OAuth2Session(client=DeviceClient(told["client_id"]), scope=["api"])
    started = requests.post(
        metadata["device_authorization_endpoint"], data={"client_id": told["client_id"], "scope": "api"}
    ).json()
    send_browser_to(started["verification_uri_complete"])
    while True:
        try:
            token = client.fetch_token(
                metadata["token_endpoint"], device_code=started["device_code"], include_client_id=True
            )
            return introspect(token)
        except OAuth2Error as refused:
            if refused.error not in ("authorization_pending", "slow_down"):
                raise
            time.sleep(started["interval"])


report(code=by_code(), device=by_device())
