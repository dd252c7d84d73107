"""What this API takes and answers, as the structs that parse and write it; the document is made of them."""
