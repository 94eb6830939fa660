# Writes the source file that knows the release and the digest of the sources, if it would be another:
#   cmake -D ROOT=... -D SOURCES=FILE -D VERSION=... -D OUTPUT=FILE -P write_version.cmake
# SOURCES lists the sources below ROOT, a line each. The digest is of their names and their bytes.
file(STRINGS "${SOURCES}" names)
list(SORT names)
set(digests "")
foreach(name IN LISTS names)
  file(SHA256 "${ROOT}/${name}" digest)
  string(APPEND digests "${name} ${digest}\n")
endforeach()
string(SHA256 digest "${digests}")
string(SUBSTRING "${digest}" 0 16 POTOMAC_BUILD)
set(POTOMAC_VERSION "${VERSION}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/version.cpp.in" "${OUTPUT}" @ONLY)
