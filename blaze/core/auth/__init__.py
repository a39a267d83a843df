"""Who wrote this mail: DKIM, ARC, SPF, DMARC and Authentication-Results.

Pure: the resolver and the clock are arguments.
"""
