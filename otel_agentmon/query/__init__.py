"""Questions to answers, over the tables that store keeps."""
