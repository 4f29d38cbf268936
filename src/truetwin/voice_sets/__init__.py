"""Benchmark items from raw material: novels now; posts and chats on the same pieces."""
