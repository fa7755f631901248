"""From folders and archives of pictures, of any origin, to one array of small squares."""
