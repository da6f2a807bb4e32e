"""Sources of annotated photos, the target contract, augmentation, splits and the LightningDataModule."""
