namespace PaintToPhoto;

/// <summary>What the command line says.</summary>
internal sealed record PaintSettings
{
    /// <summary>The model that paints; null: one is trained.</summary>
    public string? ModelPath { get; init; }

    /// <summary>A smaller model of the same classes; null: the model itself paints previews.</summary>
    public string? PreviewModelPath { get; init; }

    /// <summary>Folder of label images to start from; null: none, or for the trained model new scenes.</summary>
    public string? ExamplesFolder { get; init; }

    /// <summary>Where the trained model is kept.</summary>
    public required string Folder { get; init; }

    /// <summary>How many scenes are drawn to learn from.</summary>
    public required int Scenes { get; init; }

    /// <summary>How often each is seen at the smaller size.</summary>
    public required int Epochs { get; init; }

    /// <summary>Where to listen.</summary>
    public required string Url { get; init; }
}
