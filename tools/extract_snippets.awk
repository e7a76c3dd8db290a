# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Prints one C++ file of every ```cpp block in the Markdown files given: #include lines go to the top, the rest of each
# block into a namespace of its own, so that a block is a program or a set of declarations. Compiler messages name the
# Markdown file and line.
function line_mark() { return "#line " FNR + 1 " \"" FILENAME "\"\n" }

/^```cpp[[:space:]]*$/ { inside = 1; body = body "namespace snippet_" ++count " {\n" line_mark(); next }
/^```/ && inside { inside = 0; body = body "}\n"; next }
inside && /^#include/ { includes = includes "#line " FNR " \"" FILENAME "\"\n" $0 "\n"; body = body "\n"; next }
inside { body = body $0 "\n" }
END { printf "%s%s", includes, body }
