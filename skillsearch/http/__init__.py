"""The service: an HTTP API and a page, over the client for asyncio; needs the extra ``serve``."""
