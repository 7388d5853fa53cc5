"""What people are told about their repositories."""

ONE_WAY = "A repository comes from an archive or from an address: please give one of them."
NO_SERVER = "This repository was uploaded, so there is no server to ask. Please upload a new archive of it."
NOTHING_YET = "None of its files are here yet. Please wait until they are, or try again."
NOT_FAILED = "The newest version has not failed: there is nothing to try again."
CURRENT = "This version is the one that is read now; it goes with the repository."
BAD_URL = (
    "This is no address that code can be fetched from. It starts with https:// and leads to a git repository, as in "
    "https://github.com/psf/requests."
)
NO_HTTP = "Only addresses that start with https:// are allowed here."
NAMED_URL = "Please leave names and passwords out of the address, and give a token in its own field."
BAD_REF = "This is no name of a branch, a tag or a commit."
BAD_CREDENTIAL = "A token is at most 1,000 letters, digits and signs without spaces or line breaks."
OUR_FAULT = "Something went wrong on our side while reading this repository. Its files are kept; you can try again."
GAVE_UP = (
    "Reading this repository has failed several times, most likely because it needs more memory or time than there is. "
    "You can try again, or leave out some of its folders."
)
NO_EMBEDDER = "The embedding model does not answer at the moment. It is asked again every minute."
NO_VECTORS = (
    "The passages could not be embedded, most likely because that needs more memory than there is. It is tried again "
    "every hour."
)
TOO_LONG = (
    "Reading this repository took longer than two hours and was stopped. You can try again: it goes on from there."
)


def unchanged(label: str) -> str:
    return f"Nothing has changed: this is {label}, which is here already."
