namespace CrnMlNet.Torch.Training;

/// <summary>
/// A training went astray: its loss or its gradients are no numbers any more, or its discriminator has collapsed. With a checkpoint folder, the
/// last weights that are numbers are in the newest checkpoint.
/// </summary>
/// <param name="message">What happened, at which step, and what to do.</param>
public sealed class TrainingDivergedException(string message) : ArithmeticException(message);
