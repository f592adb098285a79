"""The panel of cctui and its command line. It owns nothing that traffic needs."""
