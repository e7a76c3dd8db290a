# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Prints from CTest's log which tests were skipped and why.
/^[0-9]+\/[0-9]+ Testing: / { name = $3 }
/^skipped: / { print "skipped in " preset ": " name ": " substr($0, 10) }
