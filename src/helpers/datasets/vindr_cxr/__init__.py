"""VinDr-CXR, chest radiographs with boxes of findings by radiologists: layout and loader."""
