"""The page on this machine: what is clicked becomes settings of `partial`, `stylize` and `train_seg`, which do it.

`wishes` says what a person wants and turns it into settings, `readback` the other way; `tabs` keeps what a tab of a
browser has, `jobs` its queue; `finding`, `painting`, `training` and `gallery` call the library; `safety` stands before
the server; `state` is what all tabs share, `pages` are what is seen, and `server` serves them.
"""
