// A page that was opened from a disk may not read other pages: let the search not try to quote them.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
