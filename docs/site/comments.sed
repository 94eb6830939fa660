# The first comment of a file is the file's; of the others, those on lines of their own are of what follows them, those
# behind a declaration of that.
1 s,^// ,/// @file\n/// ,
2,$ s,^( *)// (---.*)$,\1,
2,$ s,^( *)//( |$),\1///\2,
s,([;{\,]) +// ,\1 ///< ,
