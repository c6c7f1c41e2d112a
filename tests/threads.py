"""What tests of threads share."""

import gc


def ends(thread):
    """Whether a thread ends once nobody holds what it worked for."""
    gc.collect()
    thread.join(10)
    return not thread.is_alive()
