"""Revisions, from `rev_0001` on. One that has been released is never changed."""
