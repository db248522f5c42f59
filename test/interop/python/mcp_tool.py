"""The official MCP SDK: given the URL of an MCP server and nothing else, it finds Mandate, registers, signs somebody in and calls a tool."""

import asyncio
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from surroundings import Callback, arguments, report, send_browser_to

told = arguments()
callback = Callback()


class Memory:
    tokens = None
    client_info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


async def open_browser(url):
    send_browser_to(url)


async def come_back():
    answer = parse_qs(urlparse(await asyncio.to_thread(callback.wait)).query)
    return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0], iss=answer["iss"][0])


async def main():
    memory = Memory()
    provider = OAuthClientProvider(
        server_url=told["mcp_server"],
        client_metadata=OAuthClientMetadata(
            client_name="Python assistant",
            redirect_uris=[callback.redirect_uri],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=memory,
        redirect_handler=open_browser,
        callback_handler=come_back,
    )
    async with httpx2.AsyncClient(auth=provider) as http:
        async with Client(streamable_http_client(told["mcp_server"], http_client=http)) as client:
            tools = await client.list_tools()
            answer = await client.call_tool("whoami")
            # An access token that ended: the SDK refreshes by itself.
            provider.context.token_expiry_time = 1
            refreshed_from = memory.tokens.access_token
            again = await client.call_tool("whoami")
    report(
        tools=[tool.name for tool in tools.tools],
        answer=answer.content[0].text,
        again=again.content[0].text,
        refreshed=memory.tokens.access_token != refreshed_from,
        client_id=memory.client_info.client_id,
    )


asyncio.run(main())
