"""The wire forms beside chat: token counts, embeddings, reranking, legacy completions, forms with a file."""
