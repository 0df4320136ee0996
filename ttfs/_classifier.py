class TTFSClassifier:
    pass
