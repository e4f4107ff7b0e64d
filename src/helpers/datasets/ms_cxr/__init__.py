"""MS-CXR, phrases of reports with boxes in chest radiographs: layout, loader, and a simulator of the same layout."""
