"""The MCP server: tools for the tasks and resources for concepts, for agents; needs the extra ``mcp``."""
