"""What people look at: pictures, plots, tables, and what notebooks show."""
