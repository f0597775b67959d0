"""The endpoints beside chat: token counts, embeddings, reranking, forms with a file. They share chat's dispatch."""
