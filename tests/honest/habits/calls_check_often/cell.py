check("range.centre", centre)
check("range.centre", lambda logits: logits.mean(dim=1))
